{{ base_rows('planning', 'fx_rates') }}
