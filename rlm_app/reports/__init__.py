"""What came of benches, computed from their stored attempts: figures, breakdowns, comparisons, the leaderboard."""
