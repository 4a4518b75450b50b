"""Charts as data: what each shows, computed and worded, before anything is drawn.

Every chart is a `chart.Chart` made by a function of results and examples; `catalogue.CHARTS` names them all. `figures`
draws them.
"""
