/* A way out for libraries that leave by longjmp: `body` runs with a guard, and whoever has the guard can end it.
 * What it skips must own nothing. */

#include <setjmp.h>

int tintype_guarded(void (*body)(void *guard, void *work), void *work) {
    jmp_buf guard;
    if (setjmp(guard)) return 0;
    body(&guard, work);
    return 1;
}

void tintype_escape(void *guard) { longjmp(*(jmp_buf *)guard, 1); }
