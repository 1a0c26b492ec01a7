{{ typed_once('support', 'inquiries') }}
