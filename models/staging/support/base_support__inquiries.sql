{{ base_rows('support', 'inquiries') }}
