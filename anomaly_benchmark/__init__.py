"""The companion suite: what DROCC-LF is worth, measured by anybody who reruns it. Nothing else imports it.

``cells`` says what is run, ``datasets`` gives the examples, ``methods`` learns and scores, ``run`` turns a cell and a
seed into one row, ``tables`` and ``figures`` set the rows beside the paper's numbers (``paper/``).
"""
