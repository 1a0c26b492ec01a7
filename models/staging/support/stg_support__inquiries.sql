{{ current_rows('support', 'inquiries') }}
