"""The commands of `kpi`, by what they are about."""
