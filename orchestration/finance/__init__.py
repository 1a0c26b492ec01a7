"""The month close: what finance reports once and can defend years later.

`project` is what a build was made with and what its facts declare, `snapshot` what is frozen, `store` the folders of
closed months and `verification` whether they are what was closed; `restatements` is what today's data says otherwise,
`schema` and `tables` are schema `finance` of the published database, `sql/` its longer statements.
"""
