// Starts Python and writes its memory to the file named by the first argument: a sandbox that begins with that starts
// five times as fast, since Python's own start compiles much of the standard library.

import pyodideModule from "pyodide";

const pyodide = await pyodideModule.loadPyodide({ _makeSnapshot: true, convertNullToNone: true });
await Deno.writeFile(Deno.args[0], pyodide.makeMemorySnapshot());
