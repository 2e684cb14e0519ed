// Before the first paint: the stored theme. A file of its own, because the gateway's CSP has no inline scripts.
const theme = localStorage.getItem('theme');
if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
