-- The name of the model that should have answered, where the operator's second one does: the footer says so.
ALTER TABLE inflight ADD COLUMN instead_of TEXT;
