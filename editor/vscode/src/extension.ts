// Starts `cnnc lsp` and talks to it. All that is known of the language is on the other side; here is what only the editor can do:
// which program is started, and a terminal for the command lines of code lenses.

import * as vscode from 'vscode';
import { LanguageClient, ServerOptions, TransportKind } from 'vscode-languageclient/node';

/** The command of the server's code lenses; its argument is a command line, the program left out. */
const TERMINAL = 'cnnc.terminal';

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
    context.subscriptions.push(
        vscode.commands.registerCommand(TERMINAL, runInTerminal),
        vscode.workspace.onDidChangeConfiguration(async (changed) => {
            if (changed.affectsConfiguration('cnnc.path')) {
                await deactivate();
                await start();
            }
        }),
    );
    await start();
}

export async function deactivate(): Promise<void> {
    await client?.stop();
    client = undefined;
}

function program(): string {
    return vscode.workspace.getConfiguration('cnnc').get<string>('path') || 'cnnc';
}

async function start(): Promise<void> {
    const server: ServerOptions = { command: program(), args: ['lsp'], transport: TransportKind.stdio };
    client = new LanguageClient('cnnc', 'cnnc', server, {
        documentSelector: [{ language: 'cnn' }],
        synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher('**/*.cnn') },
    });
    try {
        await client.start();
    } catch (error) {
        client = undefined;
        const change = 'Change the path';
        const message = `cnnc: \`${program()} lsp\` cannot be started (${String(error)}). Install cnnc, or say where it is.`;
        if ((await vscode.window.showErrorMessage(message, change)) === change) {
            await vscode.commands.executeCommand('workbench.action.openSettings', 'cnnc.path');
        }
    }
}

// The program is started with its arguments as a list: no shell reads them, whatever a file is called.
function runInTerminal(line: string[]): void {
    const task = new vscode.Task(
        { type: 'cnnc' },
        vscode.TaskScope.Workspace,
        line.join(' '),
        'cnnc',
        new vscode.ProcessExecution(program(), line),
        [],
    );
    void vscode.tasks.executeTask(task);
}
