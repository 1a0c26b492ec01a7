"""The month close: what finance reports once and can defend years later.

`snapshot` what is frozen, `store` the folders of closed months and their verification,
`restatements` what today's data says otherwise, `tables` schema `finance` of the published database.
"""
