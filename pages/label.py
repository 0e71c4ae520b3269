"""The map: lasso, read a sample, label."""

from labelling.ui import page, workbench
from labelling.ui.map import load_plotly

page.start("Label")
session = page.session()
load_plotly()
workbench.status(session)
workbench.show(session)
