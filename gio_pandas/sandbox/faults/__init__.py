"""Misbehaving on purpose, so that those who ask a platform can be tested.

A `Fault` says what goes wrong and at which requests, a `Plan` counts these, the layer of
`layer.py` does to them what the fault's `Kind` says. The kinds stand in modules by what they
concern: connections, statuses, a gateway, answers, results (what is said of a job), transfers, and
contents of files. What is played can be read from the request log.
"""
