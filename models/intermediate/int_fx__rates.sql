-- rates into the reporting currency, each from its day until the next one's, or until it is too old
select from_currency, valid_from, valid_to, rate
from {{ ref('fx_rates_in_force') }}
