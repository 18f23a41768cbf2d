"use strict";
(function () {
  const contents = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d"] };

  function colours() {
    const style = getComputedStyle(root);
    const value = (name) => style.getPropertyValue(name).trim();
    return { text: value("--text"), line: value("--line"), ground: value("--ground") };
  }

  function themed(layout) {
    const seen = colours();
    const made = Object.assign({}, layout, {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: seen.text, size: 13 },
      hoverlabel: { bgcolor: seen.ground, bordercolor: seen.line, font: { color: seen.text } },
    });
    for (const key of Object.keys(made)) {
      if (/^[xy]axis/.test(key)) {
        made[key] = Object.assign({ zeroline: false }, made[key], { gridcolor: seen.line, linecolor: seen.line });
      }
    }
    return made;
  }

  function draw() {
    for (const name of Object.keys(contents)) {
      const place = document.getElementById(name);
      const content = contents[name];
      const height = Number(place.dataset.height);
      Plotly.react(place, content.data, themed(Object.assign({ height: height }, content.layout)), config);
    }
  }

  function dark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
  }

  const button = document.getElementById("theme");
  function named() {
    button.textContent = dark() ? "Light colours" : "Dark colours";
  }
  button.hidden = false;
  button.addEventListener("click", function () {
    root.dataset.theme = dark() ? "light" : "dark";
    named();
    draw();
  });
  system.addEventListener("change", function () { named(); draw(); });

  let before = "";
  let closed = [];
  window.addEventListener("beforeprint", function () {
    closed = Array.from(document.querySelectorAll("details:not([open])"));
    closed.forEach(function (details) { details.open = true; });
    before = root.dataset.theme || "";
    root.dataset.theme = "light";
    draw();
  });
  window.addEventListener("afterprint", function () {
    closed.forEach(function (details) { details.open = false; });
    if (before) { root.dataset.theme = before; } else { delete root.dataset.theme; }
    draw();
  });
  named();
  draw();
  root.dataset.ready = "yes";
})();
