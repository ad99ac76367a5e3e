// A stand-in: the test writes here what is given to all, so that no environment needs a way to read it.
export default {};
