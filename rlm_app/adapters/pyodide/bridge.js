// What dspy's runner.js gets where it imports Pyodide and `readLines` (see imports.json). Three things are added: a step
// goes through step.py, which bounds its output; a step has a time limit; and no npm package or address but the
// runtime's own is ever loaded.

import pyodideModule from "pyodide";

const MAX_MEMORY_PAGES = 2 ** 15; // of 64 kB, so 2 GB; Pyodide's own limit is 4 GB
const option = (name) => Deno.args.find((arg) => arg.startsWith(name))?.slice(name.length);
const STEP_MS = 1000 * Number(option("--step-seconds="));
const SNAPSHOT = option("--snapshot="); // of a Python that has started, see snapshot.js

// The clock is watched by a worker, since a step that loops never lets this thread run.
const shared = new SharedArrayBuffer(32);
const flags = new Int32Array(shared, 0, 3); // lock, a number that changes with the deadline, and one that never does
const deadline = new Float64Array(shared, 16, 1); // milliseconds since the epoch, 0 for none
const interrupt = new Uint8Array(shared, 24, 1); // Pyodide raises KeyboardInterrupt when it finds a 2 here

const withLock = (flags, change) => {
  while (Atomics.compareExchange(flags, 0, 0, 1) !== 0);
  change();
  Atomics.store(flags, 0, 0);
};
const now = () => performance.timeOrigin + performance.now();

const watch = ({ data: shared }) => {
  const flags = new Int32Array(shared, 0, 3);
  const deadline = new Float64Array(shared, 16, 1);
  const interrupt = new Uint8Array(shared, 24, 1);
  while (true) {
    const seen = Atomics.load(flags, 1);
    let left = Infinity;
    withLock(flags, () => {
      if (!deadline[0]) return;
      left = deadline[0] - now();
      if (left > 0) return;
      interrupt[0] = 2;
      left = 250; // code that catches the first interrupt gets more of them
    });
    Atomics.wait(flags, 1, seen, left);
  }
};
const source = `const withLock = ${withLock}; const now = ${now}; onmessage = ${watch};`;
const worker = new Worker("data:text/javascript," + encodeURIComponent(source), { type: "module" });
worker.postMessage(shared);

const setDeadline = (at) => {
  withLock(flags, () => {
    deadline[0] = at;
    if (!at) interrupt[0] = 0;
  });
  Atomics.add(flags, 1, 1);
  Atomics.notify(flags, 1);
};

let left = null; // milliseconds of the running step, while its clock stands still
const pause = () => {
  if (!deadline[0]) return;
  left = deadline[0] - now();
  setDeadline(0);
};
const resume = () => {
  if (left === null) return;
  setDeadline(now() + left);
  left = null;
};
const stopClock = () => {
  const late = deadline[0] !== 0 && now() >= deadline[0];
  setDeadline(0);
  return late;
};

// While a step runs, the only lines are answers to its tool calls, and those are not its own time.
export async function* readLines(stdin) {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1 << 20);
  let pieces = [];
  while (true) {
    const count = await stdin.read(buffer);
    if (count === null) Deno.exit(0); // the host is gone
    const lines = decoder.decode(buffer.subarray(0, count), { stream: true }).split("\n");
    for (const piece of lines.slice(0, -1)) {
      pieces.push(piece);
      const line = pieces.join("");
      pieces = [];
      resume();
      yield line;
      pause();
    }
    pieces.push(lines.at(-1));
  }
}

const { Memory } = WebAssembly;
WebAssembly.Memory = function (limits) {
  return new Memory({ ...limits, maximum: Math.min(limits.maximum, MAX_MEMORY_PAGES) });
};
// These write to Deno's cache without any permission, so one run could leave things for the next.
for (const name of ["localStorage", "sessionStorage", "caches", "Worker"]) delete globalThis[name];
for (const name of ["debug", "error", "info", "warn"]) console[name] = () => {}; // stdout is the protocol's alone

async function loadPyodide() {
  const silent = { stdin: () => null, stdout: () => {}, stderr: () => {} }; // the process's own are the protocol's
  const options = { ...silent, convertNullToNone: true }; // for null in what tools return
  if (SNAPSHOT) {
    options._loadSnapshot = await Deno.readFile(SNAPSHOT);
    await Deno.permissions.revoke({ name: "read", path: SNAPSHOT });
  }
  const pyodide = await pyodideModule.loadPyodide(options);
  pyodide.setInterruptBuffer(interrupt);
  pyodide.loadPackagesFromImports = () => {}; // nothing can be fetched, and it would parse each step once more
  const runPythonAsync = pyodide.runPythonAsync.bind(pyodide);
  const own = pyodide.runPython("{}");
  own.set("nap", (seconds) => void Atomics.wait(flags, 2, 0, 1000 * seconds));
  let prepared = false;
  pyodide.runPythonAsync = async (code) => {
    if (!prepared) {
      await runPythonAsync(code, { globals: own }); // the host sends step.py first
      own.set("names", pyodide.globals);
      own.set("stop_clock", stopClock);
      prepared = true;
      return "ready";
    }
    own.set("code", code);
    setDeadline(now() + STEP_MS);
    try {
      return await runPythonAsync("await run_step(code, names, stop_clock)", { globals: own });
    } finally {
      setDeadline(0);
    }
  };
  return pyodide;
}

// A failure would leave the process waiting, since the worker lives on, and some reach nobody but the event.
async function loadOrExit() {
  const refused = (event) => exit(event.reason);
  addEventListener("unhandledrejection", refused);
  try {
    const pyodide = await loadPyodide();
    pyodide._api.on_fatal = exit; // a crash of Python itself, after which a step would never return
    return pyodide;
  } catch (error) {
    exit(error);
  } finally {
    removeEventListener("unhandledrejection", refused);
  }
}

function exit(error) {
  Deno.stderr.writeSync(new TextEncoder().encode(`error: ${error}\n`));
  Deno.exit(1);
}

export default { loadPyodide: loadOrExit };
