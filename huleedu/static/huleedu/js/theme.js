// Runs before the first paint: chosen colours, keys that are switched off, and the class that says script is running.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("script");
  try {
    var theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    if (localStorage.getItem("shortcuts") === "off") root.dataset.shortcuts = "off";
  } catch (error) {
    // Storage is switched off: the system's setting decides.
  }
})();
