"""The repository as git and DVC record it: roles of artifacts, verification, repair, reproduction, gc.

dvc.yaml and dvc.lock are read by `plumbline.runtime.dvc_yaml` and `dvc_lock`, which tracking needs, too; git's
command is `plumbline.runtime.git`, DVC's is `dvc_command`.
"""
