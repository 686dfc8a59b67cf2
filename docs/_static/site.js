// What scrolls sideways can be scrolled with the keyboard, and captions of the list of pages have a level.
for (const box of document.querySelectorAll("pre, .table-wrapper, .cell_output .text_html")) {
  box.tabIndex = 0;
}
for (const caption of document.querySelectorAll("p.caption[role=heading]")) {
  caption.setAttribute("aria-level", "2");
}
