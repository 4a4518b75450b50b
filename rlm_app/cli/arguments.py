"""Arguments that several commands share."""

from typing import Annotated

import typer

Source = Annotated[
    str, typer.Argument(help="A Git address, a page of one, owner/name, or a folder.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.")]
Ref = Annotated[str | None, typer.Option(help="Branch, tag or commit.")]
Include = Annotated[list[str] | None, typer.Option(help="Take only paths that match this glob; repeatable.")]
Exclude = Annotated[list[str] | None, typer.Option(help="Leave out paths that match this glob; repeatable.")]
Generated = Annotated[bool, typer.Option("--generated", help="Take lock files, minified and vendored code too.")]
