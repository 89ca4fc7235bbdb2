"""What is bought: drafts, approval, receipts and inspection, goods sent back, invoices compared, replenishment."""
