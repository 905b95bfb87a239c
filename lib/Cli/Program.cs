using PatchKit.Cli;

return CommandLine.Run(args);
