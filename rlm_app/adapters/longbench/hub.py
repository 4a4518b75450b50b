"""LongBench-v2's files from the Hugging Face hub, at one revision."""

from pathlib import Path

from rlm_app.errors import DatasetUnavailable

REPOSITORY = "zai-org/LongBench-v2"
PINNED = "2b48e494f2c7a2f0af81aae178e05c7e1dde0fe9"
_PARQUET = "default/train/*.parquet"
_LOOK_SECONDS = 10.0


class Hub:
    """Downloads into the hub's own cache, so that a download that was cut goes on where it stopped.

    Args:
        endpoint: address of the hub; None: as `HF_ENDPOINT` says, else its own.
        cache: folder of the downloads; None: the hub's own.
    """

    def __init__(self, endpoint: str | None = None, cache: Path | None = None) -> None:
        self._endpoint, self._cache = endpoint, cache

    def fetch(self) -> list[Path]:
        """The files of the pinned revision: 162 MB of parquet, or 465 MB of JSON.

        The hub converts only its newest revision to parquet; once that is another one, the JSON is taken.

        Raises:
            DatasetUnavailable: neither can be had, here or from the hub.
        """
        import httpx

        try:
            newest = self._newest()
            here_only = newest is None
            return (self._parquet(here_only) if newest in (None, PINNED) else []) or [self._json(here_only)]
        except (OSError, httpx.HTTPError) as error:
            raise DatasetUnavailable(
                f"{REPOSITORY} could not be fetched from the hub ({type(error).__name__}). Try again with a network, "
                "the download goes on where it stopped; or import a file of it: "
                "rlm-app dataset import data.json --name longbench."
            ) from error

    def _newest(self) -> str | None:
        """The hub's newest revision, None where the hub cannot be reached: then what was downloaded has to do."""
        import httpx
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        try:
            return HfApi(endpoint=self._endpoint).dataset_info(REPOSITORY, timeout=_LOOK_SECONDS).sha
        except (httpx.HTTPError, HfHubHTTPError, OfflineModeIsEnabled):
            return None

    def _parquet(self, here_only: bool) -> list[Path]:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import EntryNotFoundError, RevisionNotFoundError

        try:
            folder = snapshot_download(
                REPOSITORY,
                repo_type="dataset",
                revision="refs/convert/parquet",
                allow_patterns=_PARQUET,
                cache_dir=self._cache,
                endpoint=self._endpoint,
                local_files_only=here_only,
            )
        except (EntryNotFoundError, RevisionNotFoundError):
            return []
        return sorted(Path(folder).glob(_PARQUET))

    def _json(self, here_only: bool) -> Path:
        from huggingface_hub import hf_hub_download

        path = hf_hub_download(
            REPOSITORY,
            "data.json",
            repo_type="dataset",
            revision=PINNED,
            cache_dir=self._cache,
            endpoint=self._endpoint,
            local_files_only=here_only,
        )
        return Path(path)
