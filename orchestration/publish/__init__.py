"""What readers get: releases, the copy in PostgreSQL, the semantic layer's facts."""
