{{ typed_once('planning', 'fx_rates') }}
