"""Charts drawn with plotly, and the report as one HTML file. No page is needed: the CLI uses it as it is.

`draw.figure` makes a figure of a chart, `draw.config` what the browser may do with it, `html.html_report` the file.
"""
