{{ current_rows('support', 'csat_responses') }}
