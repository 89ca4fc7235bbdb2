// Draws the OpenAPI document with Redoc, which the drf-spectacular sidecar package brings.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("api-docs");
  Redoc.init(place.dataset.schema, {
    hideDownloadButton: true,
    hideHostname: true,
    disableSearch: true,
    expandResponses: "200,201",
    nativeScrollbars: true,
    scrollYOffset: 64,
    theme: { colors: { primary: { main: "#0f766e" } }, typography: { fontFamily: "inherit", fontSize: "14px" } },
  }, place);
});
