"""What goes wrong with E2B, each as one sentence that says what to do."""

from dspy import CodeInterpreterError

from rlm_app.errors import SandboxLost, SandboxUnavailable


class E2BUnavailable(SandboxUnavailable, CodeInterpreterError):  # type: ignore[misc]
    """No sandbox could be started. An error of this project, and one that any user of dspy expects."""


class E2BLost(SandboxLost, CodeInterpreterError):  # type: ignore[misc]
    """The sandbox is gone, was killed, or broke the protocol. Both kinds, as above."""


NO_KEY = "E2B needs a key: set E2B_API_KEY to one from https://e2b.dev/dashboard, or choose another sandbox."
GONE = "E2B no longer has this sandbox: it was ended from outside, or its lease ran out while this host was away."
ENDED = "The sandbox's Python process has ended: it ran out of memory, crashed, or the step's code ended it."


def is_gone(error: BaseException) -> bool:
    """True where trying again cannot help: the sandbox or its process does not exist, or we may not reach it."""
    from e2b import exceptions as e2b

    permanent = (
        e2b.SandboxNotRunningException,
        e2b.NotFoundException,
        e2b.AuthenticationException,
        e2b.InvalidArgumentException,
        e2b.NotEnoughSpaceException,
    )
    return isinstance(error, permanent)


def is_busy(error: BaseException) -> bool:
    """True for a create that is refused for now: too many sandboxes, too many requests, no capacity."""
    from e2b.exceptions import RateLimitException, ServiceBusyException

    return isinstance(error, RateLimitException | ServiceBusyException)


def is_ambiguous(error: BaseException) -> bool:
    """True for a create that may have made a sandbox although it failed."""
    import httpx

    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    return not (unsent or is_busy(error) or is_gone(error) or _status(error) in range(400, 500))


def _status(error: BaseException) -> int:
    return getattr(error, "status_code", None) or 0


def lost(error: BaseException) -> E2BLost:
    """Why a sandbox that was there cannot be used any more."""
    from e2b import exceptions as e2b

    if isinstance(error, E2BLost):
        return error
    match error:
        case e2b.NotEnoughSpaceException():
            return E2BLost("The sandbox's disk is full; ask for less, or use a template with more disk.")
        case e2b.SandboxNotRunningException() | e2b.SandboxNotFoundException():
            return E2BLost(GONE)
        case e2b.NotFoundException():
            return E2BLost(ENDED)
    if is_gone(error):
        return E2BLost(f"The sandbox refused what it was asked for ({first_line(error)}); run it again.")
    return E2BLost(f"The sandbox cannot be reached any more ({first_line(error)}); run it again.")


def unavailable(error: BaseException, *, template: str | None, api: str, keys: tuple[str, ...] = ()) -> E2BUnavailable:
    """Why no sandbox could be started.

    Args:
        api: the address of the control plane, as people know it.
        keys: secrets that must not be repeated.
    """
    if isinstance(error, E2BUnavailable):
        return error
    if isinstance(error, E2BLost):
        return E2BUnavailable(str(error))
    said = first_line(error)
    for key in keys:
        said = said.replace(key, "***")
    return E2BUnavailable(_sentence(error, said, template, api))


def _sentence(error: BaseException, said: str, template: str | None, api: str) -> str:
    import httpx
    from e2b import exceptions as e2b

    match error:
        case e2b.AuthenticationException():
            return f"E2B refused the key: check that E2B_API_KEY is valid for {api}."
        case e2b.RateLimitException() if "concurrent" in said or "maximum number" in said:
            return (
                f"E2B allows this account no more sandboxes at a time ({said}): end some (`rlm-app doctor` finds "
                "leftovers), lower the limit of sandboxes open at once, or raise the account's."
            )
        case e2b.RateLimitException():
            return "E2B goes on refusing new sandboxes because of its rate limit: wait some minutes and try again."
        case e2b.ServiceBusyException():
            return "E2B has no room for a sandbox at the moment: wait some minutes and try again."
        case e2b.TemplateException():
            return f"The E2B template {template or 'in use'} is too old for this SDK: build it again."
        case httpx.TimeoutException() | e2b.TimeoutException() | TimeoutError():
            return f"{api} did not answer in time: check the network and https://status.e2b.dev, and try again."
        case httpx.TransportError() | OSError():
            return f"{api} cannot be reached: check the network, and E2B_DOMAIN or E2B_API_URL if they are set."
    if _status(error) in {400, 404} and "template" in said.lower():
        return f"E2B does not know the template {template or 'in use'} ({said}): check its name, or leave it unset."
    if _status(error) in {402, 403}:
        return f"E2B does not allow this account to start a sandbox ({said}): check its plan and billing."
    return f"E2B could not start a sandbox ({said}): try again, and see https://status.e2b.dev."


def first_line(error: BaseException, limit: int = 200) -> str:
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= limit else f"{text[:limit]}…"
