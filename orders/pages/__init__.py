"""What each part of the order desk brings to the sidebar, the home page and the roles."""
