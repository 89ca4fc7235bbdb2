"""What each part of the warehouse brings to the sidebar, the home page and the roles."""
