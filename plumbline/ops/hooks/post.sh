#!/bin/sh
# Written by `plumbline install-hooks`; `plumbline install-hooks --uninstall` removes it.
# Brings the outs of the commit that git has just checked out. It never fails, and never stops git.
status=0
if [ -x "$0.before-plumbline" ]; then "$0.before-plumbline" "$@" || status=$?; fi

hook={hook}
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

# without git's variables, which name folders relative to this one
unset $(git rev-parse --local-env-vars)
cd "$(git rev-parse --show-toplevel)"/{prefix} 2>/dev/null && [ -d .dvc ] || exit $status   # before DVC
python={python}
[ -x .venv/bin/python ] && python=.venv/bin/python
if [ ! -x "$python" ]; then
  echo "plumbline: $python is not there; \`make install\`, then \`dvc checkout\` brings the outs of this commit" >&2
elif "$python" -c 'import plumbline.ops.hooks.after_checkout' 2>/dev/null; then
  "$python" -m plumbline.ops.hooks.after_checkout "$old" "$new" </dev/null >&2
elif "$python" -m dvc checkout --quiet </dev/null >&2; then
  echo "plumbline: this commit has no hook of its own; DVC brought its outs, nothing was checked" >&2
else
  echo "plumbline: this commit has no hook of its own, and DVC did not bring all of its outs; try \`dvc pull\`" >&2
fi
exit $status
