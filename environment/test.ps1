#!/usr/bin/env pwsh
# Sets PatchKit up and runs the tests, as environment/test.sh does, in PowerShell 7 on Windows, macOS and Linux. The
# last line is the sum over all runners: "N passed, N failed, N skipped". Arguments go to every xunit runner, such as
# -trait- speed=slow (without the slow ones) or -class PatchKit.Tests.Ops.SsdScanTests. `test.ps1 all ARGUMENT...`
# runs what else takes minutes, as test.sh says.
$ErrorActionPreference = 'Stop'
. (Join-Path $PSScriptRoot 'common.ps1')
$minutes = if ($env:PATCHKIT_TEST_MINUTES) { [int] $env:PATCHKIT_TEST_MINUTES } else { 60 }
$reports = Join-Path $PatchKitHome 'build/test-reports'
$sum = @{ passed = 0; failed = 0; skipped = 0 }

# A runner that ends without saying so (a crash, the time limit) counts as one failed test.
function Add-Crash([string] $name, [string] $reason) {
    Write-Output "The runner '$name' crashed ($reason); this counts as a failed test."
    $sum.failed++
}

# An xunit program, counted by its XML report.
function Invoke-XUnit([string] $name, [string] $project, [string[]] $arguments) {
    Invoke-Build $project
    $assembly = Split-Path -LeafBase $project
    $report = Join-Path $reports "$name.xml"
    Remove-Item -Force -ErrorAction Ignore $report
    Write-Output "Running the $name tests."
    $dll = Join-Path $PatchKitHome "build/dotnet/bin/$assembly/release/$assembly.dll"
    $line = @($dll, '-noColor', '-noLogo', '-xml', $report) + $arguments
    $start = [Diagnostics.ProcessStartInfo]::new('dotnet', [string[]] $line)
    $start.WorkingDirectory = $PatchKitHome
    $process = [Diagnostics.Process]::Start($start)
    if (-not $process.WaitForExit([TimeSpan]::FromMinutes($minutes))) {
        $process.Kill($true)
        Add-Crash $name "stopped after $minutes minutes"
        return
    }
    $assemblies = if (Test-Path $report) { ([xml] (Get-Content -Raw $report)).assemblies.assembly }
    if (-not $assemblies) {
        Add-Crash $name "exit code $($process.ExitCode)"
        return
    }
    $failures = 0
    foreach ($one in $assemblies) {
        $sum.passed += [int] $one.passed
        $sum.skipped += [int] $one.skipped + [int] $one.'not-run'
        $failures += [int] $one.failed + [int] $one.errors
    }
    $sum.failed += $failures
    if ($process.ExitCode -ne 0 -and $failures -eq 0) { Add-Crash $name "exit code $($process.ExitCode)" }
}

$rest = $args
if ($rest.Count -gt 0 -and $rest[0] -eq 'all') {
    $env:PATCHKIT_TESTS = 'all'
    $rest = @($rest | Select-Object -Skip 1)
}
New-Item -ItemType Directory -Force $reports | Out-Null
Build-PatchKit
$env:PATCHKIT_LAUNCHER = '1'
$native = Join-Path $PatchKitHome 'bin/libpatchkit.so'
if (Test-Path $native) { $env:PATCHKIT_NATIVE = $native }

Invoke-XUnit engine tests/PatchKit.Tests.csproj $rest
Invoke-XUnit kernel tests/Kernel/CsNotebook.Tests.csproj $rest
Invoke-XUnit formatting tests/Formatting/Formatting.Tests.csproj $rest
# Jupyter's own suite is Debian's, and runs from test.sh.
Write-Output "$($sum.passed) passed, $($sum.failed) failed, $($sum.skipped) skipped"
exit [int] ($sum.failed -gt 0)
