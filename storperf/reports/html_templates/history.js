// The table of runs sorts; the figures are drawn without a script.

startPage({});
