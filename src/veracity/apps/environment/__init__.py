"""The city application for air: nowcasts, forecasts of 1 to 48 hours, indices and advice to citizens."""
