{{ current_rows('planning', 'fx_rates') }}
