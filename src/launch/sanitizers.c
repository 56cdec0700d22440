/*
 * How the sanitizers behave in proa-init, in builds that have them: it gets no environment to say so.
 */
const char *__asan_default_options(void);

/* A process that others may not trace can't look for leaks; and init has nothing to leak. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
