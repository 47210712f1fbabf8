#!/bin/sh
# Written by `plumbline install-hooks`; `plumbline install-hooks --uninstall` removes it.
# Brings the outs of the commit that git has just checked out, by code that is kept beside git's own files: nothing
# of the commit is executed. It never fails, and never stops git.
[ -z "$PLUMBLINE_HOOK" ] || exit 0                                    # called by a hook that we called
hook={hook}
PLUMBLINE_HOOK=$hook; export PLUMBLINE_HOOK
status=0
earlier=$(dirname "$0")/$hook.before-plumbline
if [ -x "$earlier" ]; then "$earlier" "$@" || status=$?; fi

old=$1 new=$2
case $hook in
  post-checkout) [ "$3" = 1 ] || exit $status ;;                      # single files
  post-merge) old=ORIG_HEAD new= ;;
  post-rewrite) [ "$1" = rebase ] || exit $status; old=ORIG_HEAD new= ;;
esac
[ "$PLUMBLINE_HOOKS" != 0 ] && [ "$old" != "$new" ] || exit $status
git_dir=$(git rev-parse --git-dir) || exit $status
if [ $hook = post-checkout ]; then                                    # many checkouts: quick and quiet
  for work in rebase-merge/git-rebase-todo rebase-apply/next BISECT_LOG; do
    [ ! -s "$git_dir/$work" ] || exit $status
  done
fi

python={python} venv={venv}
code=$(cd "$(git rev-parse --git-common-dir)" && pwd)/plumbline-hooks
# without git's variables, which name folders relative to this one
unset $(git rev-parse --local-env-vars)
cd "$(git rev-parse --show-toplevel)"/{prefix} 2>/dev/null && [ -d .dvc ] || exit $status   # before DVC
ours=$(git ls-files -- .dvc/config.local .dvc/tmp .dvc/cache; git ls-files -- "$venv" 2>/dev/null)
if [ -n "$ours" ]; then
  echo "plumbline: this commit tracks files that belong to this machine; its outs were not brought:" $ours >&2
elif [ ! -x "$python" ] || [ ! -d "$code" ]; then
  echo "plumbline: $python or $code is not there; \`make install\` and \`plumbline install-hooks\`, then" \
    "\`dvc checkout\` brings the outs of this commit" >&2
else
  PYTHONPATH=$code PYTHONSAFEPATH=1 "$python" -m plumbline.ops.hooks.after_checkout "$old" "$new" </dev/null >&2
fi
exit $status
