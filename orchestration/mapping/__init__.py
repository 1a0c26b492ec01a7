"""From a file that somebody has to a source of the warehouse: what it holds, what is proposed, what is written."""
