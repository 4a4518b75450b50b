"""What runs inside the sandbox: executes steps, asks the host for tools, keeps both ends of long output.

Plain standard library of Python 3.9 or newer, and nothing of the rest of this project: it travels as one zip.

Frames go to the host on stdout, one JSON object a line: `{"q": number, "t": "ready" | "call" | "done", "n": call or
step, "body": …}`. They are kept until the host has acknowledged them; a large body goes by the file `<t>-<n>`, told by
`"file": {"bytes", "sha256"}`. Messages come in on stdin: `{"m": number, "a": newest frame the host has, "t": "exec" |
"answers" | "interrupt" | "hello", "body" or "file": …}`; one that is sent twice is taken once. A `hello` is answered by
`{"q": 0, "t": "replay", "k": its mark}` and all frames that are not acknowledged.
"""
