"""Every statement of menus, by what it is about."""
