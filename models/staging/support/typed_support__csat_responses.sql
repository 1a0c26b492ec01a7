{{ typed_once('support', 'csat_responses') }}
