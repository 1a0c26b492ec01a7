"""What readers get: releases, and their copy in PostgreSQL."""
