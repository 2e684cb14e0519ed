// Keys of the page outside of fields: `/` goes to the filter, 1 to 3 change the page.

const PAGES: Record<string, string> = { 1: '#/', 2: '#/events', 3: '#/console' };

export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    if ((event.target as HTMLElement).closest('input, textarea, select')) return;
    const page = PAGES[event.key];
    if (event.key === '/') {
      const field = document.querySelector<HTMLElement>('#filter, #console-line');
      if (!field) return;
      event.preventDefault();
      field.focus();
    } else if (page) location.hash = page;
  });
}
