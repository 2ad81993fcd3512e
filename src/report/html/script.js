(() => {
  const form = document.getElementById('filter');
  const table = document.getElementById('sessions');
  if (form && table && table.tBodies[0].rows.length > 3) {
    form.hidden = false;
    const needle = document.getElementById('needle');
    const found = document.getElementById('found');
    const rows = [...table.tBodies[0].rows];
    const narrow = () => {
      const words = needle.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0, above = false;
      for (const row of rows) {
        if (row.classList.contains('attempt')) { row.hidden = !above; continue; }
        const text = row.textContent.toLowerCase();
        above = words.every(word => text.includes(word));
        row.hidden = !above;
        if (above) shown++;
      }
      found.textContent = words.length ? shown + ' shown' : '';
    };
    needle.addEventListener('input', narrow);
    form.addEventListener('submit', event => event.preventDefault());
  }
  addEventListener('beforeprint', () => document.querySelectorAll('details:not(.again)').forEach(part => { part.open = true; }));
})();
