// Tables of the report: search, filter, sort, pages, details. Text out of an image is only ever
// set as text, never as markup.
(function () {
  'use strict';

  const UNMEASURED = 'not measured';
  const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'];
  const data = JSON.parse(document.getElementById('data').textContent);
  const tables = new Map();

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function isNumber(column) {
    return column.show === 'number' || column.show === 'offset';
  }

  function decode(row, columns) {
    return row.map((value, at) => (isNumber(columns[at]) ? value : data.texts[value]));
  }

  function count(value) {
    return value.toLocaleString('en-GB');
  }

  function number(value) {
    if (value === null) return UNMEASURED;
    return Number.isInteger(value)
      ? count(value)
      : value.toLocaleString('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  }

  function shown(value, column) {
    if (column.show === 'number') return number(value);
    if (column.show === 'offset') return value === null ? '' : '0x' + value.toString(16);
    return value;
  }

  function cell(value, column) {
    const made = element('td');
    const text = shown(value, column);
    if (column.show === 'severity') {
      made.append(element('span', 'severity ' + value, text));
      return made;
    }
    made.textContent = text;
    if (column.show !== 'text') made.className = column.show;
    if (column.show === 'answer') made.className += ' ' + text.replaceAll(' ', '-');
    if (text === UNMEASURED) made.classList.add('unmeasured');
    return made;
  }

  function compare(one, other, column) {
    if (column.show === 'severity') return SEVERITIES.indexOf(one) - SEVERITIES.indexOf(other);
    if (isNumber(column)) return (one === null ? -1 : one) - (other === null ? -1 : other);
    return one < other ? -1 : one > other ? 1 : 0;
  }

  class Table {
    constructor(node) {
      const given = data.tables[node.dataset.table];
      this.node = node;
      this.size = Number(node.dataset.page);
      this.columns = given.columns;
      this.detailColumns = given.detailColumns;
      this.rows = given.rows.map((row, at) => ({
        cells: decode(row, given.columns),
        detail: given.details[at],
        open: false,
        words: null,
      }));
      this.sort = null;
      this.start = 0;
      this.facets = [];
      this.body = node.tBodies[0];
      this.opens = given.details.length > 0;
      this.head();
      this.tools();
      this.select();
    }

    words(row) {
      if (row.words === null) {
        const parts = row.cells.map((value, at) => shown(value, this.columns[at]));
        if (row.detail) {
          const [texts, rows] = row.detail;
          for (const text of texts) parts.push(data.texts[text]);
          for (const inner of rows) parts.push(...decode(inner, this.detailColumns).map(String));
        }
        row.words = parts.join('\n').toLowerCase();
      }
      return row.words;
    }

    head() {
      const cells = Array.from(this.node.tHead.rows[0].cells);
      cells.forEach((made, at) => {
        // No <button>: Chromium does not repeat a head with form controls on each printed page.
        const button = element('span', 'sort', made.textContent);
        button.setAttribute('role', 'button');
        button.tabIndex = 0;
        button.addEventListener('click', () => this.order(at));
        button.addEventListener('keydown', (event) => {
          if (event.key !== 'Enter' && event.key !== ' ') return;
          event.preventDefault();
          this.order(at);
        });
        made.replaceChildren(button);
      });
      if (this.opens) {
        const corner = element('td', 'opener');
        this.node.tHead.rows[0].prepend(corner);
      }
    }

    tools() {
      const holder = this.node.closest('.table');
      const bar = element('div', 'tools');
      if (this.rows.length > 8) this.search(bar);
      if (this.opens) {
        const all = element('button', 'plain', 'Open all shown');
        all.type = 'button';
        all.addEventListener('click', () => {
          const rows = this.page();
          const open = rows.some((row) => !row.open);
          for (const row of rows) row.open = open;
          this.draw();
        });
        this.all = all;
        bar.append(all);
      }
      this.status = element('span', 'status');
      this.status.setAttribute('role', 'status');
      bar.append(this.status);
      this.node.closest('.scroll').before(bar);
      const rest = holder.querySelector('.rest');
      if (rest) rest.remove();
      this.pager = element('div', 'pager');
      this.back = this.turn('Previous', -this.size);
      this.next = this.turn('Next', this.size);
      this.pager.append(this.back, this.next);
      holder.append(this.pager);
    }

    search(bar) {
      const box = element('input', 'search');
      box.type = 'search';
      box.placeholder = 'Search';
      box.setAttribute('aria-label', 'Search this table');
      box.addEventListener('input', () => this.select());
      this.box = box;
      bar.append(box);
      this.columns.forEach((column, at) => {
        if (column.facet) this.facet(bar, column, at);
      });
    }

    facet(bar, column, at) {
      const values = new Map();
      for (const row of this.rows) {
        values.set(row.cells[at], (values.get(row.cells[at]) || 0) + 1);
      }
      if (values.size < 2 || values.size > 200) return;
      const choice = element('select');
      choice.setAttribute('aria-label', column.label);
      choice.append(new Option(column.label + ': all', ''));
      const sorted = Array.from(values.keys()).sort((one, other) => compare(one, other, column));
      for (const value of sorted) {
        choice.append(new Option((value || 'not told') + ' (' + count(values.get(value)) + ')', '=' + value));
      }
      choice.addEventListener('change', () => this.select());
      this.facets.push({ at: at, choice: choice });
      bar.append(choice);
    }

    turn(label, by) {
      const button = element('button', 'plain', label);
      button.type = 'button';
      button.addEventListener('click', () => {
        this.start += by;
        this.draw();
        this.node.closest('.table').scrollIntoView();
      });
      return button;
    }

    order(at) {
      const numbers = isNumber(this.columns[at]);
      const same = this.sort !== null && this.sort.at === at;
      this.sort = { at: at, down: same ? !this.sort.down : numbers };
      const cells = Array.from(this.node.tHead.querySelectorAll('th'));
      cells.forEach((made, index) => {
        if (index === at) made.setAttribute('aria-sort', this.sort.down ? 'descending' : 'ascending');
        else made.removeAttribute('aria-sort');
      });
      this.select();
    }

    select() {
      const asked = this.box ? this.box.value.toLowerCase().split(/\s+/).filter(Boolean) : [];
      const chosen = this.facets.filter((facet) => facet.choice.value !== '');
      this.found = this.rows.filter(
        (row) =>
          chosen.every((facet) => '=' + row.cells[facet.at] === facet.choice.value) &&
          (asked.length === 0 || asked.every((word) => this.words(row).includes(word)))
      );
      if (this.sort) {
        const column = this.columns[this.sort.at];
        const sign = this.sort.down ? -1 : 1;
        this.found.sort((one, other) => sign * compare(one.cells[this.sort.at], other.cells[this.sort.at], column));
      }
      this.start = 0;
      this.draw();
    }

    page() {
      return this.found.slice(this.start, this.start + this.size);
    }

    draw() {
      const drawn = document.createDocumentFragment();
      const page = this.page();
      for (const row of page) this.line(drawn, row);
      if (page.length === 0) {
        const none = element('td', 'empty', 'Nothing matches.');
        none.colSpan = this.columns.length + (this.opens ? 1 : 0);
        const line = element('tr');
        line.append(none);
        drawn.append(line);
      }
      this.body.replaceChildren(drawn);
      this.say(page);
    }

    say(page) {
      const total = this.found.length;
      const of = total === this.rows.length ? count(total) : count(total) + ' found of ' + count(this.rows.length);
      const whole = page.length === total;
      const small = total === this.rows.length && total <= 8;
      this.status.textContent =
        whole && small
          ? ''
          : whole
            ? of + (total === this.rows.length ? ' rows' : '')
            : 'Rows ' + count(this.start + 1) + ' to ' + count(this.start + page.length) + ' of ' + of;
      this.back.disabled = this.start === 0;
      this.next.disabled = this.start + this.size >= total;
      this.pager.hidden = total <= this.size;
      if (this.all) this.all.textContent = page.some((row) => !row.open) ? 'Open all shown' : 'Close all';
    }

    line(drawn, row) {
      const line = element('tr');
      if (this.opens) {
        const opener = element('td', 'opener');
        const button = element('button', 'open');
        button.type = 'button';
        const mark = (open) => {
          button.setAttribute('aria-expanded', String(open));
          button.setAttribute('aria-label', open ? 'Close this row' : 'Open this row');
        };
        mark(row.open);
        const toggle = () => {
          row.open = !row.open;
          mark(row.open);
          if (row.open) line.after(this.inside(row));
          else line.nextElementSibling.remove();
          this.say(this.page());
        };
        line.className = 'opens';
        line.addEventListener('click', () => {
          if (String(window.getSelection()) === '') toggle();
        });
        opener.append(button);
        line.append(opener);
      }
      row.cells.forEach((value, at) => line.append(cell(value, this.columns[at])));
      drawn.append(line);
      if (this.opens && row.open) drawn.append(this.inside(row));
    }

    inside(row) {
      const line = element('tr', 'detail');
      const holder = element('td');
      holder.colSpan = this.columns.length + 1;
      const [texts, rows] = row.detail;
      const list = element('dl');
      for (let at = 0; at < texts.length; at += 2) {
        list.append(element('dt', '', data.texts[texts[at]]), element('dd', '', data.texts[texts[at + 1]]));
      }
      holder.append(list);
      if (rows.length) holder.append(this.inner(rows));
      line.append(holder);
      return line;
    }

    inner(rows) {
      const table = element('table');
      const decoded = rows.map((row) => decode(row, this.detailColumns));
      // Columns that say nothing for this row are left out.
      const kept = this.detailColumns
        .map((column, at) => at)
        .filter((at) => decoded.some((row) => row[at] !== '' && row[at] !== null));
      const head = table.createTHead().insertRow();
      for (const at of kept) {
        const made = element('th', isNumber(this.detailColumns[at]) ? 'number' : '', this.detailColumns[at].label);
        made.scope = 'col';
        head.append(made);
      }
      const body = table.createTBody();
      for (const row of decoded) {
        const line = body.insertRow();
        for (const at of kept) line.append(cell(row[at], this.detailColumns[at]));
      }
      return table;
    }

    show(words, facet) {
      if (this.box) this.box.value = words;
      for (const one of this.facets) one.choice.value = '';
      if (facet && this.facets.length) {
        const wanted = this.facets.find((one) => Array.from(one.choice.options).some((option) => option.value === '=' + facet));
        if (wanted) wanted.choice.value = '=' + facet;
      }
      this.select();
    }
  }

  for (const node of document.querySelectorAll('table[data-table]')) {
    tables.set(node.dataset.table, new Table(node));
  }
  for (const link of document.querySelectorAll('a[data-search], a[data-facet]')) {
    link.addEventListener('click', () => {
      const table = tables.get('findings');
      if (table) table.show(link.dataset.search || '', link.dataset.facet || '');
    });
  }
})();
