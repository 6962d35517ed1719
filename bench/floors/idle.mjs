// A floor: a Node that does nothing.
setInterval(() => {}, 2 ** 30);
