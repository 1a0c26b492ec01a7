{{ base_rows('support', 'csat_responses') }}
