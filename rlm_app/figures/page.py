"""The fixed parts of a report file: its style, and the script that draws.

The only scripts that may run are this one and plotly's own, each by its hash; nothing is loaded from anywhere.
"""

STYLE = """
:root { color-scheme: light dark;
  --paper: #FBFBF9; --text: #1C1F22; --quiet: #5A6168; --line: #DEDED8; --amber: #8A5A00 }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171A; --text: #E6E8E6; --quiet: #9BA3A9; --line: #333A40; --amber: #E6B450 }
}
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--paper); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere } h2 { font-size: 1.15rem; margin: 2rem 0 .25rem }
p { margin: .25rem 0 } .quiet { color: var(--quiet) } .warning { color: var(--amber) }
.wide { overflow-x: auto; margin: .5rem 0 }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .9rem .25rem 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top }
th { font-weight: 600; color: var(--quiet) } td, th { white-space: nowrap }
.long { white-space: normal; overflow-wrap: anywhere; min-width: 16rem }
section { border-top: 1px solid var(--line); margin-top: 1.5rem; padding-top: 1rem }
button { font: inherit; font-size: .8rem; color: inherit; background: none; border: 1px solid var(--line);
  border-radius: .3rem; padding: .15rem .6rem; margin-right: .4rem; cursor: pointer }
.figure { min-height: 12rem }
"""

SCRIPT = """
(async () => {
  const unpack = async (id) => {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };
  try {
    const script = document.createElement("script");
    script.textContent = await unpack("plotly");
    document.head.append(script);
    const charts = JSON.parse(await unpack("charts"));
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = () => {
      for (const chart of charts) {
        const { data, layout } = structuredClone(dark.matches ? chart.dark : chart.light);
        Plotly.react("figure-" + chart.name, data, layout, chart.config);
      }
    };
    dark.addEventListener("change", draw);
    draw();
    const save = (name, text) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      link.download = name;
      link.click();
    };
    for (const button of document.querySelectorAll("button[data-chart]")) {
      const chart = charts.find((one) => one.name === button.dataset.chart);
      const filename = "rlm-app-" + chart.name;
      const { format } = button.dataset;
      const picture = () => Plotly.downloadImage("figure-" + chart.name, { format, filename, scale: 2 });
      button.onclick = () => (format === "csv" ? save(filename + ".csv", chart.csv) : picture());
    }
    document.documentElement.dataset.drawn = charts.length;
  } catch (error) {
    document.getElementById("status").textContent = "This browser could not draw the charts (" + error + ").";
  }
})();
"""
