"""Closing a month for finance, and what is made of closed months: exports, workbooks, the commands."""
