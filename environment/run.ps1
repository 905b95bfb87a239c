#!/usr/bin/env pwsh
# Sets PatchKit up and runs its main job, as environment/run.sh does, in PowerShell 7 on Windows, macOS and Linux: the
# notebook of Table 1, without Python or a browser. Arguments go to `csnotebook run`, such as --set scale=smoke (a
# minute) or --set data=FOLDER. What it needs is the .NET 10 SDK.
$ErrorActionPreference = 'Stop'
. (Join-Path $PSScriptRoot 'common.ps1')
$calledFrom = $PWD
Build-PatchKit

$name = '02-table-1-patch-size'
$out = Join-Path $PatchKitHome 'out'
New-Item -ItemType Directory -Force $out | Out-Null
$executed = Join-Path $out "$name.ipynb"
$page = Join-Path $out "$name.html"
Set-Location $calledFrom
$notebook = Join-Path $PatchKitHome "notebooks/$name.ipynb"
Invoke-Program csnotebook (@('run', $notebook, '--out', $executed, '--html', $page) + $args)
Set-Location $PatchKitHome
Invoke-Program PatchKit @('report', 'table1')
Set-Location $calledFrom
Write-Output "Charts and all: $page (a page that needs nothing else) and $executed."
